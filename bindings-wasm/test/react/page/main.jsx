import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import * as windlass from "windlass-web";

import * as scenes from "./scenes.jsx";

let root;
globalThis.windlass = windlass;
/** Shows a scene, in place of what was there; the same scene gets other properties. */
globalThis.show = (name, props = {}, strict = false) => {
  root ??= createRoot(document.getElementById("root"));
  const Scene = scenes[name];
  const scene = <Scene {...props} />;
  root.render(strict ? <StrictMode>{scene}</StrictMode> : scene);
};
globalThis.hide = () => {
  root.unmount();
  root = undefined;
};
