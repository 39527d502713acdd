declare module "*/native.cjs" {
  const loaded: unknown;
  export default loaded;
}
