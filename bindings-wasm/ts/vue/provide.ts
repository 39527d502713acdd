/**
 * The client of a part of the page.
 *
 * @module
 */

import {
  type App,
  type ComponentInternalInstance,
  type InjectionKey,
  type MaybeRefOrGetter,
  type PropType,
  type Ref,
  type ShallowRef,
  computed,
  defineComponent,
  getCurrentInstance,
  inject,
  onBeforeUnmount,
  onMounted,
  provide,
  shallowRef,
  toRaw,
  toValue,
  watch,
} from "vue";

import { fromCode } from "../generated/errors.js";
import { Connection, type ConnectionOptions } from "../observe/connection.js";
import type { Client } from "../outbox/client.js";

/** What a component provides is for its children only; here it may use it itself. */
const own = new WeakMap<ComponentInternalInstance, Readonly<ShallowRef<Connection>>>();
const KEY: InjectionKey<Readonly<ShallowRef<Connection>>> = Symbol("windlass");

/**
 * Gives the composables of this component and its children a client, as `WindlassProvider` does. With a ref or
 * a getter, other options make another client.
 */
export function provideWindlass(options: MaybeRefOrGetter<ConnectionOptions> = {}): void {
  const given = () => {
    const { endpoint, apiKey, tenantId, client } = toValue(options);
    // A client in a deep ref is wrapped, and does not work so.
    return { endpoint, apiKey, tenantId, client: toRaw(client) };
  };
  const connection = shallowRef(new Connection(given()));
  let release: (() => void) | undefined;
  onMounted(() => (release = connection.value.hold()));
  onBeforeUnmount(() => release?.());
  watch(given, (now, before) => {
    if (Object.entries(now).every(([name, value]) => value === before[name as keyof ConnectionOptions])) return;
    const mounted = release !== undefined;
    release?.();
    connection.value = new Connection(now);
    if (mounted) release = connection.value.hold();
  });
  provide(KEY, connection);
  const instance = getCurrentInstance();
  if (instance !== null) own.set(instance, connection);
}

/** A plugin that gives a whole app one client: `app.use(createWindlass({ endpoint, apiKey }))`. */
export function createWindlass(options: ConnectionOptions = {}): { install(app: App): void } {
  return {
    install(app) {
      const connection = new Connection(options);
      app.provide(KEY, shallowRef(connection));
      const { mount, unmount } = app;
      // A server renders without mounting, and holds nothing.
      app.mount = (...args) => {
        const root = mount(...args);
        const release = connection.hold();
        app.unmount = () => {
          unmount();
          release();
        };
        return root;
      };
    },
  };
}

/**
 * Gives what is in its slot a client of `endpoint`, else of the server that the page came from. The
 * client is closed when it goes; other properties make another one. A `client` of one's own is used and
 * never closed.
 */
export const WindlassProvider = defineComponent({
  name: "WindlassProvider",
  props: {
    endpoint: String,
    apiKey: String,
    tenantId: String,
    client: Object as PropType<Client>,
  },
  setup(props, { slots }) {
    provideWindlass(() => props as ConnectionOptions);
    return () => slots.default?.();
  },
});

/** @internal */
export function useConnection(): Readonly<ShallowRef<Connection>> {
  const instance = getCurrentInstance();
  const connection = (instance && own.get(instance)) ?? inject(KEY, null);
  if (connection !== null) return connection;
  const reason = "composables of windlass-web need provideWindlass, WindlassProvider or createWindlass above them";
  throw fromCode("invalid_argument", reason, { field: "client", reason });
}

/**
 * The client that is provided, for everything that has no composable. Reading its value throws
 * InvalidUrlError or InvalidArgumentError for options that are wrong.
 */
export function useClient(): Readonly<Ref<Client>> {
  const connection = useConnection();
  return computed(() => connection.value.client);
}
