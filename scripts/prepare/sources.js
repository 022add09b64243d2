/** What the clone consists of, by content: a checkout that only touches times compiles nothing. */
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const crypto = require('node:crypto')

/** Rooms with code that runs; the tests are compiled by jest. */
const ROOMS = [
  'contracts',
  'workflows',
  'activities',
  'clouds',
  'postgres',
  'pgserver',
  'ledger',
  'workers',
  'embedded',
  'client',
  'lab',
  'examples',
]
/** Read at run time beside the code that reads it. The example shop's SQL is read from the clone itself. */
const CARRIED = /\.(sql|json)$/
const LEFT_OUT = /(^|\/)(node_modules|tsconfig\.json)(\/|$)/

const digest = (...parts) => {
  const hash = crypto.createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex')
}

function* files(root, folder) {
  let entries
  try {
    entries = fs.readdirSync(path.join(root, folder), { withFileTypes: true })
  } catch {
    return
  }
  for (const entry of entries) {
    const name = `${folder}/${entry.name}`
    if (LEFT_OUT.test(name)) continue
    if (entry.isDirectory()) yield* files(root, name)
    else if (entry.isFile()) yield name
  }
}

/** `{ code, carried, tests }`: path → digest of the content. */
function readSources(root) {
  const code = {}
  const carried = {}
  const tests = {}
  const of = (name) => digest(fs.readFileSync(path.join(root, name)))
  for (const room of ROOMS) {
    for (const name of files(root, room)) {
      if (name.endsWith('.ts') && !name.endsWith('.d.ts')) code[name] = of(name)
      else if (CARRIED.test(name) && room !== 'examples') carried[name] = of(name)
    }
  }
  for (const name of files(root, 'test')) if (name.endsWith('.ts')) tests[name] = of(name)
  return { code, carried, tests }
}

/** One digest over a map of path → digest, order not mattering. */
function digestOf(map) {
  return digest(
    ...Object.keys(map)
      .sort()
      .map((name) => `${name} ${map[name]}`),
  )
}

module.exports = { readSources, digest, digestOf }
