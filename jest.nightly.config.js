/** What takes longer than CI may: further cells of the fault matrix. `npm run test:nightly`. */
module.exports = { ...require('./jest.crash.config'), testMatch: ['**/*.nightly.ts'] }
