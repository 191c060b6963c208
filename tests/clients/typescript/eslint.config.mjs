// The recommended rules of typescript-eslint. The module is found by its path: it is installed elsewhere.
const { default: ts } = await import(`${process.env.NODE_MODULES}/typescript-eslint/dist/index.js`);

export default ts.config(ts.configs.recommended);
