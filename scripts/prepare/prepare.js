/** The phases in order, under one lock: two prepares in one clone take turns, and the second finds the work done. */
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { withLock } = require('./lock')
const { install } = require('./install')
const { compile } = require('./compile')
const { bundleWorkflows } = require('./bundle')
const { typeCheck, ensureTemporal } = require('./check')
const { plain } = require('./failure')

const root = path.resolve(__dirname, '..', '..')

async function prepare({ check }) {
  const dist = path.join(root, 'dist')
  try {
    fs.mkdirSync(dist, { recursive: true })
  } catch (error) {
    throw plain(`${dist} cannot be made (${error.code}): run this as the owner of the clone.`, 2)
  }
  await withLock(path.join(dist, '.prepare.lock'), async () => {
    await install(root)
    const sources = await compile(root)
    await bundleWorkflows(root, sources)
    if (check) await typeCheck(root, sources)
  })
  if (check) await ensureTemporal(root)
}

module.exports = { prepare }
