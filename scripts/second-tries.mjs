/**
 * A reporter: which tests passed at their second try. `npm run verify` gives those of `integration` one, since its machines are shared and noisy and one
 * of 1,500 that waits for another's processor must not keep all others unproved. Each is named at the end: it is a defect, of the test or of the product.
 */
export default class SecondTries {
  /** @type {string[]} */
  #names = [];

  onTestCaseResult(/** @type {import("vitest/node").TestCase} */ test) {
    if (test.ok() && (test.diagnostic()?.retryCount ?? 0) > 0)
      this.#names.push(`${test.module.relativeModuleId}: ${test.fullName}`);
  }

  onTestRunEnd() {
    if (this.#names.length === 0) return;
    console.log(`\n[second_try] ${this.#names.length} passed at a second try only:`);
    for (const name of this.#names) console.log(`  ${name}`);
  }
}
