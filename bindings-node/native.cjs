// Loads the addon once for ESM and CJS alike.
module.exports = require("./windlass.node");
