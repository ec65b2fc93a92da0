# The functions of Holdfast's zsh integration. Read by .zshenv beside this file before anything of the user's, so that no
# alias of his changes them. Each runs under `emulate -L zsh`, so that his options do not, with its trace thrown away.
# Marks go to the terminal, whatever stdout is:  ESC ] 633 ; hold ; KIND ; NONCE ; COUNT ; FIELDS BEL

typeset -gi __hold_n=0 __hold_end=0
typeset -g __hold_exported= __hold_eol= __hold_user_eol=

__hold_mark() {
  builtin printf '\e]633;hold;%s;%s;%d;%s\a' "$1" "$__hold_nonce" "$3" "$2" >/dev/tty
}

# Sets REPLY: no control character may stand inside a mark.
__hold_escape() {
  setopt extendedglob
  REPLY=${1//'\'/'\x5c'}
  if [[ $REPLY == *[[:cntrl:]]* ]]; then
    REPLY=${REPLY//(#m)[[:cntrl:]]/'\x'${(l:2::0:)$(( [##16] #MATCH ))}}
  fi
}

# First of precmd_functions: the command is over. Its mark usually stands in the output already, see __hold_preexec.
__hold_first() {
  {
    local __hold_exit=$?
    emulate -L zsh; unsetopt xtrace
    if (( __hold_end )); then
      __hold_mark D $__hold_exit $__hold_end
      if [[ ${PROMPT_EOL_MARK-} == "$__hold_eol" ]]; then
        if [[ $__hold_user_eol == +* ]]; then PROMPT_EOL_MARK=${__hold_user_eol#+}; else unset PROMPT_EOL_MARK; fi
      fi
      __hold_end=0
    else
      __hold_mark D $__hold_exit $(( ++__hold_n ))
    fi
  } 2>/dev/null
  return 0
}

# Last of precmd_functions.
__hold_last() {
  {
    local __hold_exit=$?
    emulate -L zsh; unsetopt xtrace
    local REPLY
    __hold_escape "$PWD"
    __hold_mark P "Cwd=$REPLY" $(( ++__hold_n ))
    __hold_arrange
    __hold_export
    __hold_mark A $__hold_exit $(( ++__hold_n ))
    if [[ ! -o zle ]]; then __hold_mark B '0;' $(( ++__hold_n )); fi
  } 2>/dev/null
  return 0
}

# Last of preexec_functions: the output begins. Before a prompt zsh marks an unfinished line with PROMPT_EOL_MARK, ahead of
# every hook; the end mark rides in front of it, zero wide, so that it stands right behind the command's last byte.
__hold_preexec() {
  {
    emulate -L zsh; unsetopt xtrace
    local REPLY
    __hold_escape "${${1:-${3-}}[1,4096]}"
    __hold_mark C ";$REPLY" $(( ++__hold_n ))
    __hold_end=$(( ++__hold_n ))
    if (( ${+PROMPT_EOL_MARK} )); then __hold_user_eol=+$PROMPT_EOL_MARK; else __hold_user_eol=; fi
    __hold_eol=$'%{\e]633;hold;D;'"$__hold_nonce;$__hold_end"$';%?\a%}'"${PROMPT_EOL_MARK-%B%S%#%s%b}"
    typeset -g +x PROMPT_EOL_MARK=$__hold_eol
  } 2>/dev/null
  return 0
}

# Each time the line editor begins to read: at a prompt, or for the rest of an unfinished command.
__hold_line_init() {
  {
    emulate -L zsh; unsetopt xtrace
    case ${CONTEXT-} in
      start) __hold_mark B "$(( ${+zle_bracketed_paste} ));" $(( ++__hold_n )) ;;
      cont) __hold_mark F '' $(( ++__hold_n )) ;;
    esac
  } 2>/dev/null
  return 0
}

__hold_arrange() {
  if [[ ${precmd_functions[1]-} != __hold_first || ${precmd_functions[-1]-} != __hold_last ]]; then
    precmd_functions=(__hold_first ${precmd_functions:#__hold_(first|last|install)} __hold_last)
  fi
  if [[ ${preexec_functions[-1]-} != __hold_preexec ]]; then
    preexec_functions=(${preexec_functions:#__hold_preexec} __hold_preexec)
  fi
  local -a lined
  if [[ ${widgets[zle-line-init]-} == *azhw* ]]; then zstyle -a zle-line-init widgets lined; fi
  if [[ ${widgets[zle-line-init]-} == user:__hold_line_init || "$lined" == *__hold_line_init* ]]; then
    return 0
  elif (( ${+widgets[zle-line-init]} )) && autoload -Uz +X add-zle-hook-widget; then
    add-zle-hook-widget line-init __hold_line_init
  else
    zle -N zle-line-init __hold_line_init
  fi
}

# The environment for `hold exec`, written only when it changed; without a fork until then.
__hold_export() {
  if [[ -z $__hold_environment ]]; then return 0; fi
  local name now
  local -a items
  for name in ${(ko)parameters[(R)*export*]}; do items+=("$name=${(P)name}"); done
  now=${(pj:\0:)items}
  if [[ $now == "$__hold_exported" ]]; then return 0; fi
  __hold_exported=$now
  (
    umask 077
    builtin print -rNn -- "${items[@]}" >|"$__hold_environment.new" &&
      builtin command -p mv -f "$__hold_environment.new" "$__hold_environment"
  )
}

# Once, as the last of the user's own precmd functions.
__hold_install() {
  {
    local __hold_exit=$?
    emulate -L zsh; unsetopt xtrace
    __hold_mark D $__hold_exit $(( ++__hold_n ))
    __hold_arrange
    __hold_last
    unfunction __hold_install
  } 2>/dev/null
  return 0
}
