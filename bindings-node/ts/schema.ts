/**
 * Validators of payloads: the interface that Zod, Valibot, ArkType and others share, see
 * https://standardschema.dev.
 *
 * @module
 */

/** What a validator offers. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What it says of a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What is wrong, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The value as the validator makes it, or why it does not fit. */
export async function fitted(
  schema: StandardSchema<unknown, any>,
  value: unknown,
): Promise<{ value: unknown; reason: string | undefined }> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return { value: result.value, reason: undefined };
  const told = result.issues.map(({ message, path = [] }) => {
    const place = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return place === "" ? message : `${place}: ${message}`;
  });
  return { value, reason: `the payload does not fit the handler: ${told.join("; ")}` };
}
