/** One line per phase with its seconds. On a terminal the line is live; elsewhere a long phase says every 15 s that it is
 *  still at it, so that nobody takes a slow network for a hang. */
'use strict'

const seconds = (since) => ((Date.now() - since) / 1000).toFixed(1)

/** Runs `work`, showing `title` from the start. */
async function phase(title, work) {
  const since = Date.now()
  const live = process.stdout.isTTY === true
  if (live) process.stdout.write(`… ${title}`)
  else process.stdout.write(`… ${title}\n`)
  const timer = setInterval(
    () => process.stdout.write(live ? `\r… ${title}  ${seconds(since)} s` : `… ${title}: ${seconds(since)} s so far\n`),
    live ? 100 : 15_000,
  )
  try {
    const result = await work()
    process.stdout.write(`${live ? '\r\x1b[K' : ''}✔ ${title}  ${seconds(since)} s\n`)
    return result
  } catch (error) {
    process.stdout.write(`${live ? '\r\x1b[K' : ''}✘ ${title}  ${seconds(since)} s\n`)
    throw error
  } finally {
    clearInterval(timer)
  }
}

module.exports = { phase }
