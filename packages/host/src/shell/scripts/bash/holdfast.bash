# Holdfast's shell integration for bash 4.4 and later: docs/shell-integration.md.
# Read as --rcfile in place of the user's own, which it sources. Marks go to the terminal, whatever stdout is:
#     ESC ] 633 ; hold ; KIND ; NONCE ; COUNT ; FIELDS BEL
# Everything here is defined before the user's files run, so that no alias of theirs changes it, and runs with `local -`,
# so that their set -e, -u, -x, -a and -f do not.

__hold_nonce=${HOLDFAST_SHELL_NONCE-}
__hold_environment=${HOLDFAST_SHELL_ENVIRONMENT-}
__hold_startup=${HOLDFAST_SHELL_STARTUP-}
__hold_rcfile=${HOLDFAST_SHELL_RCFILE-}
\builtin unset HOLDFAST_SHELL_NONCE HOLDFAST_SHELL_ENVIRONMENT HOLDFAST_SHELL_STARTUP HOLDFAST_SHELL_RCFILE

__hold_n=0
__hold_paste=0
__hold_ps0= __hold_ps1= __hold_ps2= __hold_user0= __hold_user1= __hold_user2= __hold_exported=
# The names stand on lines of their own, where bash-preexec looks for them; the group throws `set -x` away.
__hold_hook_first=$'{\n__hold_first\n} 2>/dev/null'
__hold_hook_last=$'{\n__hold_last\n} 2>/dev/null'
# Expanded by bash itself at each prompt, so the count rises without a hook of ours; `\!` tells a stale history entry.
__hold_pre='\[\e]633;hold;A;${__hold_nonce-};$((__hold_n=${__hold_n-0}+1));$?\a\]'
__hold_post='\[\e]633;hold;B;${__hold_nonce-};$((__hold_n=${__hold_n-0}+1));${__hold_paste-};\!\a\]'
__hold_more='\[\e]633;hold;F;${__hold_nonce-};$((__hold_n=${__hold_n-0}+1))\a\]'
__hold_start='\e]633;hold;C;${__hold_nonce-};$((__hold_n=${__hold_n-0}+1));$(__hold_text)\a'

__hold_mark() {
  \builtin printf '\e]633;hold;%s;%s;%d;%s\a' "$1" "$__hold_nonce" "$((__hold_n += 1))" "$2" >/dev/tty
}

# Sets __hold_escaped: no control character may stand inside a mark.
__hold_escape() {
  __hold_escaped=${1//\\/\\x5c}
  if [[ $__hold_escaped == *[[:cntrl:]]* ]]; then
    __hold_escaped=${__hold_escaped//$'\n'/\\x0a}
    __hold_escaped=${__hold_escaped//$'\t'/\\x09}
    __hold_escaped=${__hold_escaped//$'\e'/\\x1b}
    __hold_escaped=${__hold_escaped//$'\r'/\\x0d}
    __hold_escaped=${__hold_escaped//$'\a'/\\x07}
    __hold_escaped=${__hold_escaped//[[:cntrl:]]/?}
  fi
}

# NUMBER;TEXT of the newest history entry. Runs in a command substitution of PS0.
__hold_text() {
  set +eux +o noglob
  local IFS=$' \t\n' text
  text=$(HISTTIMEFORMAT='' \builtin history 1)
  if [[ $text =~ ^\ *([0-9]+)[*\ ]\ (.*)$ ]]; then
    __hold_escape "${BASH_REMATCH[2]:0:4096}"
    \builtin printf '%s;%s' "${BASH_REMATCH[1]}" "$__hold_escaped"
  else
    \builtin printf '0;'
  fi
} 2>/dev/null

# First in PROMPT_COMMAND: the command is over.
__hold_first() {
  local __hold_exit=$? __hold_flags=$-
  local -
  set +eux +a
  __hold_mark D "$__hold_exit"
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)) && [[ $__hold_flags != *e* ]]; then
    \builtin return "$__hold_exit"
  fi
  \builtin return 0
} 2>/dev/null

# Last in PROMPT_COMMAND: whatever drew a prompt has drawn it; ours goes around it.
__hold_last() {
  local __hold_exit=$?
  local -
  set +eux +a +o noglob
  local IFS=$' \t\n' __hold_escaped
  __hold_escape "$PWD"
  __hold_mark P "Cwd=$__hold_escaped"
  __hold_wrap "$__hold_exit"
  __hold_arrange
  __hold_export
  # At the prompt in which bash-preexec installs itself we run last of all, and it would take us for the user.
  if \builtin declare -F __bp_interactive_mode; then __bp_interactive_mode; fi >/dev/null
  \builtin return 0
} 2>/dev/null

# Puts the marks around the prompts. Without `promptvars` bash expands nothing in them, so the counts are written out.
__hold_wrap() {
  local pre=$__hold_pre post=$__hold_post more=$__hold_more start=$__hold_start
  if ! \builtin shopt -q promptvars; then
    pre="\[\e]633;hold;A;$__hold_nonce;$((__hold_n + 1));$1\a\]"
    post="\[\e]633;hold;B;$__hold_nonce;$((__hold_n + 2));$__hold_paste;\!\a\]"
    more="\[\e]633;hold;F;$__hold_nonce;$((__hold_n + 3))\a\]"
    start="\e]633;hold;C;$__hold_nonce;$((__hold_n += 4));0;\a"
  fi
  if [[ ${PS0-} != "$__hold_ps0" ]]; then __hold_user0=${PS0-}; __hold_user0=${__hold_user0//"$__hold_start"/}; fi
  if [[ ${PS2-} != "$__hold_ps2" ]]; then __hold_user2=${PS2-}; __hold_user2=${__hold_user2//"$__hold_more"/}; fi
  if [[ ${PS1-} != "$__hold_ps1" ]]; then
    __hold_user1=${PS1-}; __hold_user1=${__hold_user1//"$__hold_pre"/}; __hold_user1=${__hold_user1//"$__hold_post"/}
  fi
  __hold_ps0=$__hold_user0$start __hold_ps1=$pre$__hold_user1$post __hold_ps2=$more$__hold_user2
  PS0=$__hold_ps0 PS1=$__hold_ps1 PS2=$__hold_ps2
}

# Keeps __hold_first first and __hold_last last, but before bash-preexec's `__bp_interactive_mode`, which must see the
# user's command next. PROMPT_COMMAND is a list since bash 5.1 and one string before.
__hold_arrange() {
  if [[ ${PROMPT_COMMAND@a} == *r* ]]; then \builtin return 0; fi
  local item list=() tail=()
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)); then
    item=${PROMPT_COMMAND-}
    if [[ $item == "$__hold_hook_first"$'\n'* && $item == *$'\n'"$__hold_hook_last" ]]; then \builtin return 0; fi
    item=${item//"$__hold_hook_first"/:}; item=${item//"$__hold_hook_last"/:}
    PROMPT_COMMAND=$__hold_hook_first$'\n'${item:-:}$'\n'$__hold_hook_last
    \builtin return 0
  fi
  for item in "${PROMPT_COMMAND[@]}"; do
    case $item in
      "$__hold_hook_first" | "$__hold_hook_last" | '') ;;
      __bp_interactive_mode) tail+=("$item") ;;
      *) item=${item//"$__hold_hook_first"/:}; list+=("${item//"$__hold_hook_last"/:}") ;;
    esac
  done
  list=("$__hold_hook_first" "${list[@]}" "$__hold_hook_last" "${tail[@]}")
  if [[ "${list[*]@Q}" != "${PROMPT_COMMAND[*]@Q}" ]]; then PROMPT_COMMAND=("${list[@]}"); fi
}

# The environment for `hold exec`, written only when it changed. A fork to know that (0.7 ms) costs less than a file that is
# truncated and written each time (1.7 ms on ext4, which flushes it).
__hold_export() {
  local now
  if [[ -z $__hold_environment ]]; then \builtin return 0; fi
  now=$(\builtin declare -px; \builtin declare -Fx)
  if [[ $now == "$__hold_exported" ]]; then \builtin return 0; fi
  __hold_exported=$now
  (
    umask 077
    \builtin command -p env -0 >|"$__hold_environment.new"
    \builtin command -p mv -f "$__hold_environment.new" "$__hold_environment"
  )
}

__hold_install() {
  local -
  set +eux +a +o noglob
  local IFS=$' \t\n'
  if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)) || [[ -z $__hold_nonce ]]; then \builtin return 0; fi
  if [[ :$SHELLOPTS: == *:emacs:* || :$SHELLOPTS: == *:vi:* ]] && [[ $(\builtin bind -v) == *'enable-bracketed-paste on'* ]]; then
    __hold_paste=1
  fi
  __hold_wrap 0
  __hold_arrange
} 2>/dev/null

# What bash would have read without us. A login shell reads the first of three; `.bash_logout` goes by a trap of ours
# unless the user has one on EXIT, for this shell is not a login shell to itself.
if [[ $__hold_startup == login ]]; then
  if [[ -r /etc/profile ]]; then . /etc/profile; fi
  for __hold_rcfile in ~/.bash_profile ~/.bash_login ~/.profile; do
    if [[ -r $__hold_rcfile ]]; then . "$__hold_rcfile"; break; fi
  done
elif [[ $__hold_startup == rc ]]; then
  __hold_rcfile=${__hold_rcfile:-~/.bashrc}
  if [[ -r $__hold_rcfile ]]; then . "$__hold_rcfile"; fi
fi
if [[ $__hold_startup == login && -r ~/.bash_logout && -z $(trap -p EXIT) ]]; then trap '. ~/.bash_logout' EXIT; fi
\builtin unset __hold_startup __hold_rcfile
__hold_install
