/** Tests mirror the rooms; those that need servers start real ones, end-to-end tests through test/support. */
require('./scripts/memory-folder').useMemoryFolder()

module.exports = {
  ...require('./jest.base'),
  testMatch: ['**/*.test.ts'],
  // against hanging alone: machines are several times slower than ours, and whoever waits for something gives up before (test/support/eventually.ts)
  testTimeout: 300000,
  // more than processors: most of what is tested waits for a server, a timer or a disk
  maxWorkers: 3,
}
