/** Light or dark: the system's, until somebody says otherwise here. */
import { Store } from "../store.ts";

export type Scheme = "light" | "dark";
const KEY = "holdfast.scheme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** Null: as the system has it. */
export const chosenScheme = new Store<Scheme | null>(kept());
export const scheme = new Store<Scheme>(now());

export function chooseScheme(choice: Scheme | null): void {
  chosenScheme.set(choice);
  if (choice) localStorage.setItem(KEY, choice);
  else localStorage.removeItem(KEY);
  show();
}

function kept(): Scheme | null {
  const text = localStorage.getItem(KEY);
  return text === "light" || text === "dark" ? text : null;
}

function now(): Scheme {
  return kept() ?? (system.matches ? "dark" : "light");
}

function show(): void {
  const choice = chosenScheme.value;
  if (choice) document.documentElement.dataset["scheme"] = choice;
  else delete document.documentElement.dataset["scheme"];
  scheme.set(now());
}

system.addEventListener("change", show);
show();
