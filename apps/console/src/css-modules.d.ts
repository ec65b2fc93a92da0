/** Fonts that are imported for their faces. */
declare module "@fontsource-variable/inter/index.css";
declare module "@fontsource-variable/jetbrains-mono/index.css";
