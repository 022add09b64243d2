/** What takes longer than CI may: further cells of the fault matrix, and what no operation of Capstan uses of the lab by now (read replicas, global
 *  databases), with the machinery below it, which changes seldom. `npm run test:nightly`. */
module.exports = { ...require('./jest.crash.config'), testMatch: ['**/*.nightly.ts'] }
