#!/usr/bin/env node
/** The command line. It is compiled: this only finds it. */
const { existsSync } = require('node:fs')
const { join } = require('node:path')

const main = join(__dirname, '..', 'dist', 'client', 'cli', 'main.js')
if (existsSync(main)) {
  require(main)
} else {
  process.stderr.write('capstan is not compiled yet: run "npm run build" in its folder.\n')
  process.exitCode = 70
}
