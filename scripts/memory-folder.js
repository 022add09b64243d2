/** Where tests keep what they make: a lab makes and removes a thousand small files for every instance, and half of a run's time went into the
 *  disk's search for free inodes. So folders are made in a file system in memory if there is a large one; TMPDIR of the caller's own wins. */
const { readFileSync, statfsSync } = require('node:fs')

const FOLDER = '/dev/shm'
/** A whole run holds about 2 GiB at a time. */
const ENOUGH_BYTES = 8 * 1024 ** 3

/** @returns {void} Sets TMPDIR, which the processes of the run inherit. */
function useMemoryFolder() {
  if (process.env.TMPDIR === undefined && isRoomy()) process.env.TMPDIR = FOLDER
}

function isRoomy() {
  try {
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .findLast((line) => line.split(' ')[1] === FOLDER)
    const [, , kind, flags = ''] = mount?.split(' ') ?? []
    if (kind !== 'tmpfs' || flags.split(',').some((flag) => flag === 'noexec' || flag === 'ro')) return false
    const { bavail, bsize } = statfsSync(FOLDER)
    return bavail * bsize >= ENOUGH_BYTES
  } catch {
    // no Linux
    return false
  }
}

module.exports = { useMemoryFolder }
