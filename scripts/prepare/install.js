/** `npm ci` when node_modules is not what package-lock.json says. A folder installed by hand counts when npm's own record of
 *  it agrees with the lock, so nobody's `npm ci` is done twice. */
'use strict'
const fs = require('node:fs')
const path = require('node:path')
const crypto = require('node:crypto')
const { phase } = require('./phase')
const { run } = require('./run')
const { plain } = require('./failure')

function wanted(root) {
  const lock = fs.readFileSync(path.join(root, 'package-lock.json'))
  return `${crypto.createHash('sha256').update(lock).digest('hex')} ${process.platform}-${process.arch}`
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

/** Whether npm's record of what it installed holds every package that the lock asks for on any platform. */
function installedByHand(root) {
  const record = read(path.join(root, 'node_modules', '.package-lock.json'))
  if (record === null) return false
  const have = JSON.parse(record).packages
  const want = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages
  return Object.entries(want).every(([name, entry]) => name === '' || entry.optional || have[name]?.version === entry.version)
}

/** `npm ci` writes the record last: an interrupted one has none and is done again. */
async function install(root) {
  const stamp = path.join(root, 'node_modules', '.capstan-installed')
  const want = wanted(root)
  if (read(stamp) === want) return
  if (!installedByHand(root)) {
    await phase('dependencies (npm ci, about a minute)', async () => {
      const npm = process.env.npm_execpath
      const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
      const [command, all] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args]
      const { code, output } = await run(command, all, { cwd: root })
      if (code !== 0) throw plain(`npm ci failed:\n${output.trim()}`, 4)
    })
  }
  fs.writeFileSync(stamp, want)
}

module.exports = { install }
