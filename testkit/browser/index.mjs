// A real browser for tests, and the folder it looks at.
export { accessibilityFaults } from "./axe.mjs";
export { browserPath, launch } from "./launch.mjs";
export { serve } from "./serve.mjs";
