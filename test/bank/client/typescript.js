/** Lets a process of its own be written in TypeScript: compiled as Jest compiles the tests. */
const { readFileSync } = require('node:fs')
const { transformSync } = require('@swc/core')
const [[, options]] = Object.values(require('../../../jest.base').transform)

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...options, filename, swcrc: false })
  module._compile(code, filename)
}
