/**
 * The client of a part of the page.
 *
 * @module
 */

import { type ReactElement, type ReactNode, createContext, createElement, useContext, useEffect, useMemo } from "react";

import { fromCode } from "../generated/errors.js";
import { Connection, type ConnectionOptions } from "../observe/connection.js";
import type { Client } from "../outbox/client.js";

const Context = createContext<Connection | null>(null);

/** Where to connect, or the client to use; and who may. */
export interface WindlassProviderProps extends ConnectionOptions {
  children?: ReactNode;
}

/**
 * Gives the hooks below it a client of `endpoint`, else of the server that the page came from. The
 * client is closed when the provider goes; other properties make another one. A `client` of one's own is
 * used and never closed.
 */
export function WindlassProvider({ endpoint, apiKey, tenantId, client, children }: WindlassProviderProps): ReactElement {
  const connection = useMemo(
    () => new Connection({ endpoint, apiKey, tenantId, client }),
    [endpoint, apiKey, tenantId, client],
  );
  useEffect(() => connection.hold(), [connection]);
  return createElement(Context.Provider, { value: connection }, children);
}

/** @internal */
export function useConnection(): Connection {
  const connection = useContext(Context);
  if (connection !== null) return connection;
  const reason = "hooks of windlass-web need a <WindlassProvider> above them";
  throw fromCode("invalid_argument", reason, { field: "client", reason });
}

/**
 * The provider's client, for everything that has no hook.
 *
 * @throws InvalidUrlError, InvalidArgumentError for properties of the provider that are wrong
 */
export function useClient(): Client {
  return useConnection().client;
}
