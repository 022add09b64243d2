/** A lock file that holds its owner's pid. A dead owner's lock is taken over by renaming it first, so that of two
 *  prepares which both see it dead only one removes it. */
'use strict'
const fs = require('node:fs')
const { plain } = require('./failure')

const WAIT_MS = 15 * 60_000

function alive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function owner(file) {
  try {
    return Number(fs.readFileSync(file, 'utf8')) || 0
  } catch {
    return null
  }
}

/** Atomic with its content: a reader never sees a lock without an owner. */
function tryTake(file) {
  const mine = `${file}.${process.pid}`
  fs.writeFileSync(mine, String(process.pid))
  try {
    fs.linkSync(mine, file)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  } finally {
    fs.rmSync(mine, { force: true })
  }
}

function removeDead(file, dead) {
  const aside = `${file}.dead.${process.pid}`
  try {
    fs.renameSync(file, aside)
  } catch {
    return
  }
  if (owner(aside) !== dead) {
    try {
      fs.linkSync(aside, file)
    } catch {
      // Somebody took the lock in between; the one that was moved aside ends with its owner.
    }
  }
  fs.rmSync(aside, { force: true })
}

async function withLock(file, work) {
  const until = Date.now() + WAIT_MS
  let told = false
  for (;;) {
    let taken
    try {
      taken = tryTake(file)
    } catch (error) {
      throw plain(`${file} cannot be written (${error.code}): run this as the owner of the clone.`, 2)
    }
    if (taken) break
    const pid = owner(file)
    if (pid !== null && !alive(pid)) {
      removeDead(file, pid)
      continue
    }
    if (Date.now() > until) throw plain(`Process ${pid} has been preparing this clone for 15 minutes; end it and try again.`, 4)
    if (!told && pid !== null) {
      console.log(`… waiting for process ${pid}, which is preparing this clone`)
      told = true
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const release = () => fs.rmSync(file, { force: true })
  process.once('exit', release)
  try {
    return await work()
  } finally {
    process.removeListener('exit', release)
    release()
  }
}

module.exports = { withLock }
