/** The shells' completion scripts. They hold no knowledge of commands: they ask `hold complete-words`. */
export type Shell = "bash" | "zsh" | "fish";

const bash = `# Completion of hold for bash: source <(hold completion bash)
_hold() {
  local line word words whole cut
  words=()
  # bash ends a word at a colon, and SESSION:PATH is one.
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ \${#words[@]} -gt 0 && -n $word && ( $word == :* || \${words[-1]} == *: ) ]]; then words[-1]+=$word; else words+=("$word"); fi
  done
  whole=\${words[-1]}
  cut=
  [[ $COMP_WORDBREAKS == *:* && $whole == *:* ]] && cut=\${whole%"\${whole##*:}"}
  COMPREPLY=()
  local IFS=$'\\n'
  for line in $(hold complete-words -- "\${words[@]}" 2>/dev/null); do
    word=\${line%%$'\\t'*}
    case $word in
      :files) COMPREPLY+=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}")); compopt -o filenames ;;
      :folders) COMPREPLY+=($(compgen -d -- "\${COMP_WORDS[COMP_CWORD]}")); compopt -o filenames ;;
      *)
        [[ $word == *[/:] ]] && compopt -o nospace 2>/dev/null
        COMPREPLY+=("$(printf '%q' "\${word#"$cut"}")") ;;
    esac
  done
}
complete -F _hold hold
`;

const zsh = `#compdef hold
# Completion of hold for zsh: save as _hold in a folder of $fpath, or source <(hold completion zsh)
_hold() {
  local line word says files
  local -a candidates open
  while IFS= read -r line; do
    word=\${line%%$'\\t'*}
    says=\${line#*$'\\t'}
    case $word in
      :files) files=f ;;
      :folders) files=d ;;
      *[/:]) open+=("$word") ;;
      *) if [[ $word == $line ]]; then candidates+=("\${word//:/\\\\:}"); else candidates+=("\${word//:/\\\\:}:$says"); fi ;;
    esac
  done < <(hold complete-words -- "\${words[@]:1:$((CURRENT-1))}" 2>/dev/null)
  (( $#open )) && compadd -S '' -- "\${open[@]}"
  (( $#candidates )) && _describe -V hold candidates
  [[ $files == f ]] && _files
  [[ $files == d ]] && _files -/
  return 0
}
if [[ $funcstack[1] == _hold ]]; then _hold "$@"; else compdef _hold hold; fi
`;

const fish = `# Completion of hold for fish: save as ~/.config/fish/completions/hold.fish, or hold completion fish | source
function __hold_words
    set -l words (commandline -opc) (commandline -ct)
    for line in (hold complete-words -- $words[2..-1] 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :folders
                __fish_complete_directories (commandline -ct)
            case '*'
                echo $line
        end
    end
end
complete -c hold -f -k -a '(__hold_words)'
`;

export const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
