/**
 * The console begins here.
 *
 * @module
 */

import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./style/index.css";
import { App } from "./app.js";
import { follow } from "./live/feed.js";
import "./theme.js";

void follow();
render(<App />, document.getElementById("console")!);
