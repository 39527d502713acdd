import { renderToString } from "@vue/server-renderer";
import { createApp, createSSRApp, h, shallowRef } from "vue";
import * as windlass from "windlass-web";
import { WindlassProvider, createWindlass } from "windlass-web/vue";

import Document from "./Document.vue";
import Kept from "./Kept.vue";
import Many from "./Many.vue";
import Run from "./Run.vue";
import Seen from "./Seen.vue";
import Self from "./Self.vue";
import Submit from "./Submit.vue";
import Watch from "./Watch.vue";

const scenes = { Document, Kept, Many, Run, Seen, Self, Submit, Watch };
const shown = shallowRef();
let app;
globalThis.windlass = windlass;

/** Shows a scene below a provider; the same scene gets other properties. */
globalThis.show = (name, { endpoint, apiKey, client, ...props } = {}) => {
  shown.value = { name, endpoint, apiKey, client, props };
  if (app !== undefined) return;
  app = createApp(() => {
    const { name, endpoint, apiKey, client, props } = shown.value;
    if (name === "Self") return h(Self, { endpoint, apiKey });
    return h(WindlassProvider, { endpoint, apiKey, client }, () => h(scenes[name], props));
  });
  watched(app).mount("#root");
};

/** Shows a scene in an app that has the plugin, or nothing that gives it a client. */
globalThis.plug = (name, options, props = {}) => {
  app = createApp(scenes[name], props);
  if (options) app.use(createWindlass(options));
  watched(app).mount("#root");
};

/** A scene as a server renders it, and then taken over. Answers what the server rendered. */
globalThis.hydrate = async (name, { endpoint, ...props }) => {
  const scene = () => h(WindlassProvider, { endpoint }, () => h(scenes[name], props));
  const place = document.getElementById("root");
  place.innerHTML = await renderToString(createSSRApp(scene));
  const text = place.textContent;
  app = createSSRApp(scene);
  watched(app).mount(place);
  return text;
};

globalThis.hide = () => {
  app.unmount();
  app = undefined;
};

function watched(app) {
  app.config.warnHandler = (text) => console.warn(text);
  app.config.errorHandler = (error) => {
    throw error;
  };
  return app;
}
