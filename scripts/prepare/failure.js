/** A failure that is one sentence for people: no stack, a chosen exit code. */
'use strict'

function plain(message, exitCode) {
  return Object.assign(new Error(message), { forPeople: true, exitCode })
}

module.exports = { plain }
