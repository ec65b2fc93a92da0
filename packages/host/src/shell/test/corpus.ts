/** Commands whose exit and exact output are known, in all three shells. `out` is what the program wrote; the terminal makes \n into \r\n. */
export interface Case { readonly text: string | { readonly bash: string; readonly zsh: string; readonly fish: string }; readonly exit: number; readonly out: string }

const sh = (posix: string, fish: string) => ({ bash: posix, zsh: posix, fish });
const c = (text: Case["text"], exit: number, out: string): Case => ({ text, exit, out });

export const corpus: readonly Case[] = [
  // exits
  c("true", 0, ""), c("false", 1, ""), c("sh -c 'exit 2'", 2, ""), c("sh -c 'exit 127'", 127, ""), c("sh -c 'exit 255'", 255, ""), c("sh -c 'exit 42'", 42, ""),
  c("sh -c 'exit 128'", 128, ""), c("test 1 = 2", 1, ""), c("test 1 = 1", 0, ""), c("true && false", 1, ""), c("false || true", 0, ""), c("false; true", 0, ""),
  c("true; false", 1, ""), c("true | false", 1, ""), c("false | true", 0, ""), c(sh("! true", "not true"), 1, ""), c(sh("! false", "not false"), 0, ""),
  c(sh("(exit 7)", "sh -c 'exit 7'"), 7, ""), c("grep nothing /dev/null", 1, ""), c("sh -c 'exit 11' | cat", 0, ""),
  c("python3 -c 'import sys; sys.exit(9)'", 9, ""), c("env false", 1, ""), c("sh -c 'exit 3' && echo no", 3, ""), c("sh -c 'exit 3' || echo yes", 0, "yes\n"),
  c("test -d /", 0, ""), c("test -f /", 1, ""), c("cat /nonexistent 2>/dev/null", 1, ""), c("ls /nonexistent >/dev/null 2>&1", 2, ""), c("printf '' | cat", 0, ""),
  // plain output
  c("echo hi", 0, "hi\n"), c("echo", 0, "\n"), c("echo a b  c", 0, "a b c\n"), c("printf abc", 0, "abc"), c("printf 'a\\nb'", 0, "a\nb"), c("printf 'a\\n\\n\\n'", 0, "a\n\n\n"),
  c("printf '\\n'", 0, "\n"), c("printf ' '", 0, " "), c("printf 'tail  '", 0, "tail  "), c("printf '%s\\n' 1 2 3", 0, "1\n2\n3\n"), c("seq 5", 0, "1\n2\n3\n4\n5\n"),
  c("seq -s , 9", 0, "1,2,3,4,5,6,7,8,9\n"), c("printf '%0100d' 0", 0, "0".repeat(100)), c("printf '%080d' 0", 0, "0".repeat(80)), c("printf '%079d' 0", 0, "0".repeat(79)),
  c("printf '%081d' 0", 0, "0".repeat(81)), c("printf 'grün ✓ 漢字 🌊\\n'", 0, "grün ✓ 漢字 🌊\n"), c("echo ü", 0, "ü\n"), c("printf '\\303'", 0, "\ufffd"),
  c("printf '\\033[31mred\\033[0m\\n'", 0, "\x1b[31mred\x1b[0m\n"), c("printf 'a\\rb'", 0, "a\rb"), c("printf '\\t|\\t'", 0, "\t|\t"), c("printf '\\007'", 0, "\x07"),
  c("printf '\\033[2K\\r%%'", 0, "\x1b[2K\r%"), c("printf '%% %s' x", 0, "% x"), c("printf '\\033]0;title\\007'; echo x", 0, "\x1b]0;title\x07x\n"), c("echo '%'", 0, "%\n"), c("echo '$ '", 0, "$ \n"),
  c("seq 1000 | tail -1", 0, "1000\n"), c("yes | head -3", 0, "y\ny\ny\n"), c("head -c 20000 /dev/zero | tr '\\0' x", 0, "x".repeat(20000)), c("seq 2000", 0, Array.from({ length: 2000 }, (_, i) => `${i + 1}\n`).join("")),
  c("echo out; echo err >&2", 0, "out\nerr\n"), c("echo err >&2; false", 1, "err\n"), c("printf 'no newline' >&2", 0, "no newline"),
  // quoting
  c("echo 'single'", 0, "single\n"), c('echo "double"', 0, "double\n"), c(`echo "it's"`, 0, "it's\n"), c(`echo 'say "hi"'`, 0, 'say "hi"\n'), c("echo 'a;b|c&d'", 0, "a;b|c&d\n"),
  c("echo 'back\\slash' | cat", 0, "back\\slash\n"), c("echo '#no comment'", 0, "#no comment\n"), c("echo a\\ b", 0, "a b\n"), c("echo '~' '*' '?'", 0, "~ * ?\n"), c("echo '{a,b}'", 0, "{a,b}\n"),
  c("echo 'two\nlines'", 0, "two\nlines\n"), c('echo "x\n\ny"', 0, "x\n\ny\n"), c("printf '%s' 'tab\there'", 0, "tab\there"), c("echo '!x!'", 0, "!x!\n"), c("printf '%s\\n' \"a'b\"'c\"d'", 0, "a'bc\"d\n"),
  c("echo ';' ';;'", 0, "; ;;\n"), c("echo 'ESC ] 633 ; hold'", 0, "ESC ] 633 ; hold\n"), c("printf '%s\\n' '\\x41 %?'", 0, "\\x41 %?\n"),
  // several lines, blocks
  c("echo a\necho b", 0, "a\nb\n"), c("echo a\nfalse", 1, "a\n"), c("false\necho b", 0, "b\n"), c("echo 1\n\necho 2\n", 0, "1\n2\n"), c("echo a \\\n  b", 0, "a b\n"), c("true &&\necho ok", 0, "ok\n"), c("echo x |\ncat", 0, "x\n"),
  c(sh("for i in 1 2 3; do echo $i; done", "for i in 1 2 3; echo $i; end"), 0, "1\n2\n3\n"), c(sh("for i in 1 2\ndo\n  echo $i\ndone", "for i in 1 2\n  echo $i\nend"), 0, "1\n2\n"),
  c(sh("if true; then echo y; else echo n; fi", "if true; echo y; else; echo n; end"), 0, "y\n"), c(sh("if false\nthen\n echo y\nelse\n echo n\nfi", "if false\n echo y\nelse\n echo n\nend"), 0, "n\n"),
  c(sh("while read -r l; do echo \"<$l>\"; done <<< 'in'", "echo in | while read l; echo \"<$l>\"; end"), 0, "<in>\n"), c(sh("case x in x) echo is;; esac", "switch x; case x; echo is; end"), 0, "is\n"),
  c(sh("f() { echo in f; return 5; }; f", "function f; echo in f; return 5; end; f"), 5, "in f\n"), c(sh("f() {\n  echo \"$1\"\n}\nf arg", "function f\n  echo $argv[1]\nend\nf arg"), 0, "arg\n"), c(sh("{ echo g; false; }", "begin; echo g; false; end"), 1, "g\n"),
  c(sh("(cd /; pwd)", "sh -c 'cd /; pwd'"), 0, "/\n"), c(sh("echo $((6*7))", "math '6*7'"), 0, "42\n"), c(sh("echo $(echo sub)", "echo (echo sub)"), 0, "sub\n"), c(sh("x=1; echo $x", "set x 1; echo $x"), 0, "1\n"), c(sh("echo ${x:-unset}", "echo $x"), 0, "1\n"),
  // here-documents (fish has none)
  c(sh("cat <<EOF\nl1\nl2 'q\nEOF", "printf 'l1\\nl2 \\'q\\n'"), 0, "l1\nl2 'q\n"), c(sh("cat <<'E'\n$x `y` \\z\nE", "printf '%s\\n' '$x `y` \\z'"), 0, "$x `y` \\z\n"), c(sh("cat <<-E\n\ttabbed\n\tE", "echo tabbed"), 0, "tabbed\n"),
  c(sh("cat <<A; cat <<B\n1\nA\n2\nB", "echo 1; echo 2"), 0, "1\n2\n"), c(sh("sh <<EOF\necho in sh\nexit 6\nEOF", "printf 'echo in sh\\nexit 6\\n' | sh"), 6, "in sh\n"), c(sh("tr a-z A-Z <<< here", "echo here | tr a-z A-Z"), 0, "HERE\n"),
  // folders, status of the last, environment
  c("cd /tmp", 0, ""), c("pwd", 0, "/tmp\n"), c("cd /nonexistent 2>/dev/null", 1, ""), c("cd / && pwd", 0, "/\n"), c("false", 1, ""), c(sh("echo $?", "echo $status"), 0, "1\n"), c("sh -c 'exit 33'", 33, ""), c(sh("echo $?", "echo $status"), 0, "33\n"),
  c(sh("export HX=1; sh -c 'echo $HX'", "set -gx HX 1; sh -c 'echo $HX'"), 0, "1\n"), c("env HY=2 sh -c 'echo $HY'", 0, "2\n"), c("sh -c 'echo ${HOLDFAST_SHELL_NONCE-none}'", 0, "none\n"), c("env | grep -c __hold", 1, "0\n"),
  c("stty -a | grep -c -- '[^-]icanon'", 0, "1\n"), c("tty | cut -c1-8", 0, "/dev/pts\n"), c("sh -c 'test -t 0 && test -t 1 && test -t 2'", 0, ""), c({ bash: "# comment\necho after", zsh: ": # word\necho after", fish: "# comment\necho after" }, 0, "after\n"),
];
