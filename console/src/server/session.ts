/**
 * Who asks: the one client of this page, its key, and what the server says of the console.
 *
 * @module
 */

import { computed, signal } from "@preact/signals";
import { Client } from "windlass-web";

/** Where the key stays: as long as the tab. */
const PLACE = "windlass-key";

/** What the server says of its console. */
export interface ConsoleInfo {
  version: string;
  readOnly: boolean;
  keyRequired: boolean;
}

const key = signal<string | null>(stored());

/** Whether the server wants a key that it has not got; `refused` when it was given a wrong one. */
export const keyWanted = signal<false | "missing" | "refused">(false);

/** What the server says of its console; `null` until it has said so. */
export const info = signal<ConsoleInfo | null>(null);

/** Whether nothing may be changed from here. Until the server has spoken, nothing may. */
export const readOnly = computed(() => info.value?.readOnly ?? true);

/** Grows whenever everything that is shown should be asked for again. */
export const epoch = signal(0);

/** What other pages of this address left to be sent is theirs, and not for whoever looks here to send. */
const outbox = { resume: false };

let opened: { key: string | null; client: Client } | undefined;

/**
 * The client. Its calls fail soon, also when its code cannot be loaded: the page asks again by itself, and
 * each call loads what is missing.
 */
export async function client(): Promise<Client> {
  if (opened?.key !== key.value || opened === undefined) {
    const options = { timeout: 15, retry: { maxRetries: 1 }, breaker: false as const, outbox };
    const given = key.value === null ? options : { ...options, apiKey: key.value };
    // Its calls would be in the name of another key.
    void opened?.client.close();
    opened = { key: key.value, client: new Client(location.origin, given) };
  }
  return opened.client;
}

/** The headers of a read that the client does not have. */
export function authorization(): Record<string, string> {
  return key.value === null ? {} : { Authorization: `Bearer ${key.value}` };
}

/** Keeps the key and asks for everything again. */
export function giveKey(given: string): void {
  try {
    sessionStorage.setItem(PLACE, given);
  } catch {
    // It holds until the page is loaded again.
  }
  key.value = given;
  keyWanted.value = false;
  epoch.value++;
}

/** Notes that the server refused whoever asks. */
export function refuseKey(): void {
  keyWanted.value = key.value === null ? "missing" : "refused";
}

/** The key of this tab. A browser may forbid storage; then there is none. */
function stored(): string | null {
  try {
    return sessionStorage.getItem(PLACE);
  } catch {
    return null;
  }
}
