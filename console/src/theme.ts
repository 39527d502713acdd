/**
 * Dark or light: as the system says, until somebody chooses.
 *
 * @module
 */

import { effect, signal } from "@preact/signals";

const PLACE = "windlass-theme";
const system = matchMedia("(prefers-color-scheme: light)");

function chosen(): "dark" | "light" | null {
  // A browser that forbids storage forgets the choice, and that is all.
  try {
    const found = localStorage.getItem(PLACE);
    return found === "dark" || found === "light" ? found : null;
  } catch {
    return null;
  }
}

/** What is shown. */
export const theme = signal<"dark" | "light">(chosen() ?? (system.matches ? "light" : "dark"));

effect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});
system.addEventListener("change", () => {
  if (chosen() === null) theme.value = system.matches ? "light" : "dark";
});

/** The other one, from now on. */
export function toggleTheme(): void {
  theme.value = theme.value === "dark" ? "light" : "dark";
  try {
    localStorage.setItem(PLACE, theme.value);
  } catch {
    // It holds for this page.
  }
}
