// @ts-check
/** Runs one case: calibrates every contender, then takes the samples in turns, A B C A B C. */
import { runSample } from './sample.mjs';
import { problemOf } from './setup.mjs';
import { summarize } from './statistics.mjs';
import { figure } from './verdicts.mjs';

/** @typedef {import('../cases/case.mjs').Case} Case */
/** @typedef {import('./catalog.mjs').Contender} Contender */
/** @typedef {import('./report.mjs').SampleReport} SampleReport */

/**
 * @typedef {object} Settings
 * @property {number} samples per contender
 * @property {number} sampleMs how long one sample's work should take
 * @property {number} timeoutMs after which a sample is killed
 */

/**
 * @typedef {object} Measured
 * @property {string} id
 * @property {string} label
 * @property {'measured' | 'unavailable' | 'failed'} status
 * @property {string} [reason] why it has no figure
 * @property {number} [count] work per sample
 * @property {SampleReport[]} samples
 * @property {import('./statistics.mjs').Summary | null} summary of the case's metric
 */

const CALIBRATION_RUNS = 4;
/** A calibrating run this close to the wanted time predicts it; a shorter one says too little. */
const CLOSE_ENOUGH = 0.4;
const LARGEST_STEP = 50;

/**
 * Many processes share the processors, and each has to be compiled by its engine first: their samples are longer, so that
 * it is not the warm-up that is measured.
 * @param {Case} theCase
 */
function lengthOf({ parameters: { producers, consumers } }) {
  const processes = Number(producers ?? 0) + Number(consumers ?? 0);
  return Math.min(4, Math.max(1, processes / 4));
}

/**
 * Finds how much work takes one sample's time. These runs also warm the file cache; their figures are not kept.
 * @param {Case} theCase @param {Contender} contender @param {Settings} settings
 */
async function calibrate(theCase, contender, settings) {
  if (theCase.fixedCount !== undefined) return theCase.fixedCount;
  let count = contender.start;
  for (let run = 0; run < CALIBRATION_RUNS; run++) {
    const { elapsedNs } = await runSample(contender, { ...theCase.parameters, count }, settings.timeoutMs);
    const step = (lengthOf(theCase) * settings.sampleMs * 1e6) / elapsedNs;
    count = Math.max(10, Math.round(count * Math.min(step, LARGEST_STEP)));
    if (step <= 1 / CLOSE_ENOUGH) break;
  }
  return count;
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {Case} theCase @param {Settings} settings @param {(text: string) => void} progress
 * @returns {Promise<Measured[]>}
 */
export async function runCase(theCase, settings, progress) {
  /** @type {{ contender: Contender, result: Measured }[]} */
  const entries = theCase.contenders.map((contender) => {
    const { id, label } = contender;
    return { contender, result: { id, label, status: 'measured', samples: [], summary: null } };
  });
  /** @param {Measured} result @param {'unavailable' | 'failed'} status @param {string} reason */
  const giveUp = (result, status, reason) => {
    Object.assign(result, { status, reason, summary: null });
    progress(`${result.label}: ${reason}`);
  };

  for (const { contender, result } of entries) {
    const problem = problemOf(contender);
    if (problem !== undefined) {
      giveUp(result, 'unavailable', problem);
      continue;
    }
    progress(`${theCase.name}: calibrating ${result.label}`);
    try {
      result.count = await calibrate(theCase, contender, settings);
    } catch (error) {
      giveUp(result, 'failed', messageOf(error));
    }
  }

  for (let round = 0; round < settings.samples; round++) {
    // Another one goes first each time, so that nobody always follows the same neighbour's warmth or noise.
    const turn = entries.slice(round % entries.length).concat(entries.slice(0, round % entries.length));
    for (const { contender, result } of turn) {
      if (result.status !== 'measured' || result.count === undefined) continue;
      progress(`${theCase.name}: round ${round + 1} of ${settings.samples}, ${result.label}`);
      try {
        const parameters = { ...theCase.parameters, count: result.count };
        result.samples.push(await runSample(contender, parameters, settings.timeoutMs));
      } catch (error) {
        giveUp(result, 'failed', messageOf(error));
      }
    }
  }
  for (const { result } of entries) {
    if (result.status !== 'measured') continue;
    result.summary = summarize(result.samples.map((sample) => figure(theCase, sample)));
  }
  return entries.map(({ result }) => result);
}
