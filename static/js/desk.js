// Everything the desk adds for those whose browser runs it. Each part is one file.
import "./theme.js";
import "./dialog.js";
import "./copy.js";
import "./counter.js";
import "./keep.js";
import "./keys.js";
import "./live.js";
