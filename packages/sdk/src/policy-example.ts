/** What somebody begins with who writes the first policy of a host: one that asks about what changes something, and looks at everything. */
export const policyExample = `# What AIs may do here; docs/policy.md and \`hold help policy\` say what each line means.
# Changed by hand, this file takes no effect before: hold policy reload
version = 1

[ai]
otherwise = "allow"    # what is not named below
run = "ask"
exec = "ask"
keys = "ask"
files.write = "ask"
signals = "ask"
open = "ask"
end = "ask"

# Commands that nobody is asked about. A line with anything but plain words in it is no such command.
[[ai.commands]]
starts = ["git", "status"]
rule = "allow"

# Sessions in which an AI is at home.
# [[session]]
# name = "scratch-*"
# run = "allow"

[approvals]
seconds = 60           # then it is denied

# Variables whose values no AI is shown, in place of the usual names; [] for none.
# [secrets]
# names = ["*_TOKEN", "*_SECRET", "*_PASSWORD", "*_API_KEY"]
`;
