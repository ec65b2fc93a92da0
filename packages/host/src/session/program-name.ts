/** What a program is called, for a person who looks at what runs. */

/** `comm`: as the kernel says; Node 24 calls its main thread, and so its process, `MainThread`. `exe`: asked for then alone; where its file is, or empty. */
export async function programName(comm: string, exe: () => Promise<string>): Promise<string> {
  if (comm !== "MainThread") return comm;
  const file = (await exe()).replace(/ \(deleted\)$/, "");
  return file.slice(file.lastIndexOf("/") + 1) || comm;
}
