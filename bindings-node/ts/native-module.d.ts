declare module "#native" {
  const loaded: unknown;
  export default loaded;
}
