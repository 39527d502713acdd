declare module "*/wasm/client.js" {
  const glue: unknown;
  export default glue;
}
declare module "*/wasm/dynamic.js" {
  const glue: unknown;
  export default glue;
}
declare module "*/wasm/engine.js" {
  const glue: unknown;
  export default glue;
}
declare module "*/wasm/worker.js" {
  const glue: unknown;
  export default glue;
}
declare module "*/wasm/rules.js" {
  const glue: unknown;
  export default glue;
}
