/** Asks for a decision within the element: what it is about, and two buttons. Escape is the careful one. */

export interface Question {
  readonly title: string;
  readonly about: string;
  /** Shown as it is, byte for byte. */
  readonly exactly: string;
  readonly yes: string;
  readonly no: string;
}

/** Resolves with whether it was confirmed; the focus is back where it was then. */
export function ask(root: ShadowRoot, { title, about, exactly, yes, no }: Question): Promise<boolean> {
  const dialog = made("dialog", { role: "alertdialog", "aria-labelledby": "title", "aria-describedby": "about" });
  const buttons = made("form", { method: "dialog" });
  const cancel = made("button", { value: "no" }, no);
  const confirm = made("button", { value: "yes", part: "confirm" }, yes);
  buttons.append(cancel, confirm);
  dialog.append(
    made("h2", { id: "title" }, title),
    made("p", { id: "about" }, about),
    made("pre", { tabindex: "0" }, exactly),
    buttons,
  );
  root.append(dialog);
  dialog.showModal();
  cancel.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}

export function made<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}
