#!/usr/bin/env node
/** Makes a clone ready to run: installs what is missing, compiles what changed, bundles the workflows. Plain JavaScript
 *  without dependencies, because it runs before there are any. Silent when there is nothing to do.
 *  `--check` (npm test) type-checks everything as well and makes sure that there is a Temporal dev server. */
'use strict'

var found = process.versions.node.split('.').map(Number)
if (found[0] < 20 || (found[0] === 20 && found[1] < 19)) {
  console.error(`Capstan needs Node.js 20.19 or newer; this is ${process.versions.node}. Install one from https://nodejs.org.`)
  process.exit(2)
}

const { prepare } = require('./prepare/prepare')

prepare({ check: process.argv.includes('--check') }).catch((error) => {
  console.error(error.forPeople === true ? error.message : error)
  process.exit(error.exitCode ?? 70)
})
