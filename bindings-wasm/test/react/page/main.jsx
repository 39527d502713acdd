import { StrictMode } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
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
/** A scene as a server renders it, and then taken over. Answers what the server rendered. */
globalThis.hydrate = (name, props) => {
  const Scene = scenes[name];
  const place = document.getElementById("root");
  place.innerHTML = renderToString(<Scene {...props} />);
  const text = place.textContent;
  root = hydrateRoot(place, <Scene {...props} />);
  return text;
};
globalThis.hide = () => {
  root.unmount();
  root = undefined;
};
