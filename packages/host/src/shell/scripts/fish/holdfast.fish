# Holdfast's shell integration for fish 3.1 and later, read by `fish -C` after the user's configuration:
# docs/shell-integration.md. Marks go to the terminal, whatever stdout is:
#     ESC ] 633 ; hold ; KIND ; NONCE ; COUNT ; FIELDS BEL

if set -q HOLDFAST_SHELL_NONCE; and status is-interactive
    set -g __hold_nonce $HOLDFAST_SHELL_NONCE
    set -g __hold_environment $HOLDFAST_SHELL_ENVIRONMENT
    set -g __hold_n 0
    set -g __hold_exported ''
    set -e HOLDFAST_SHELL_NONCE
    set -e HOLDFAST_SHELL_ENVIRONMENT

    function __hold_mark
        set -g __hold_n (math $__hold_n + 1)
        builtin printf '\e]633;hold;%s;%s;%d;%s\a' $argv[1] $__hold_nonce $__hold_n $argv[2] >/dev/tty
    end

    # No control character may stand inside a mark.
    function __hold_escape
        string replace -a \\ '\\x5c' -- $argv[1] | string join '\x0a' | string replace -a \t '\x09' | string replace -a \e '\x1b' \
            | string replace -a \r '\x0d' | string replace -ra '[[:cntrl:]]' '?'
    end

    function __hold_preexec --on-event fish_preexec
        __hold_mark C ";"(__hold_escape (string sub -l 4096 -- "$argv[1]" | string collect))
    end

    function __hold_postexec --on-event fish_postexec
        __hold_mark D $status
    end

    function __hold_prompt --on-event fish_prompt
        set -l exit $status
        __hold_mark P Cwd=(__hold_escape "$PWD")
        __hold_export
        __hold_mark A $exit
        __hold_mark B "1;"
    end

    # Ctrl-C empties the line without a new prompt event.
    function __hold_cancel --on-event fish_cancel
        __hold_mark B "1;"
    end

    # The environment for `hold exec`, written only when it changed.
    function __hold_export
        test -n "$__hold_environment"; or return 0
        set -l now (set -x | string collect)
        test "$now" = "$__hold_exported"; and return 0
        set -g __hold_exported $now
        set -l before (umask)
        umask 077
        command env -0 >$__hold_environment.new
        and command mv -f $__hold_environment.new $__hold_environment
        umask $before
    end

    # fish has no second prompt: a line that is not complete stays in the editor. `hold run` sends this key before the Enter.
    function __hold_validate
        commandline --is-valid
        __hold_mark V $status
    end
    for mode in default insert
        bind -M $mode \e\x1f __hold_validate
    end
    # fish 3.6 drops a tab that is pasted.
    bind -M paste \t 'commandline -i \t'
end
