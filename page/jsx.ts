// This module names what the build makes of JSX: calls of Preact's `h`, which are shorter than those of its JSX runtime.

export { Fragment as JsxFragment, h as jsxElement } from 'preact'
