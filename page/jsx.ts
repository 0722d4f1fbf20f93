// This module names what JSX becomes: calls of Preact's `h`, shorter than those of its JSX runtime.

export { Fragment as JsxFragment, h as jsxElement } from 'preact'
