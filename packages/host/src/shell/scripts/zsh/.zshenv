# Holdfast's shell integration for zsh, read in place of the user's .zshenv, which it sources: docs/shell-integration.md.
# ZDOTDIR is given back first, so zsh itself finds every other file of the user's where it always did. The hooks are
# installed at the first prompt, when all of them have run.

__hold_folder=$ZDOTDIR
if (( ${+HOLDFAST_SHELL_ZDOTDIR} )); then
  'builtin' 'export' ZDOTDIR="$HOLDFAST_SHELL_ZDOTDIR"
else
  'builtin' 'unset' ZDOTDIR
fi
__hold_nonce=${HOLDFAST_SHELL_NONCE-}
__hold_environment=${HOLDFAST_SHELL_ENVIRONMENT-}
'builtin' 'unset' HOLDFAST_SHELL_NONCE HOLDFAST_SHELL_ENVIRONMENT HOLDFAST_SHELL_ZDOTDIR

if [[ -o interactive && -n $__hold_nonce ]]; then
  'builtin' 'source' "$__hold_folder/holdfast.zsh"
fi
'builtin' 'unset' __hold_folder

if [[ -r ${ZDOTDIR-$HOME}/.zshenv ]]; then
  'builtin' 'source' "${ZDOTDIR-$HOME}/.zshenv"
fi
if [[ -o interactive && -n $__hold_nonce ]]; then
  'builtin' 'typeset' -ga precmd_functions
  precmd_functions+=(__hold_install)
fi
