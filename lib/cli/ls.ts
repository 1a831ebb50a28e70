/**
 * `multiproc ls`: the segments in shared memory.
 */
import { call, native } from '../internal/native.js';
import type { ParticipantInfo, SegmentInfo } from '../internal/native-facts.js';
import { formatBytes, table } from './table.js';

/** Text of the command's output. */
export function listSegments(json: boolean): string {
  const segments = call(() => native.listSegments());
  if (json) return `${JSON.stringify(segments, null, 2)}\n`;
  if (segments.length === 0) return 'no segments\n';
  const rows = segments.map((segment) => [
    segment.name,
    segment.kind,
    formatBytes(segment.size),
    segment.problem === null ? String(segment.depth) : '-',
    describeUsers(segment),
  ]);
  return table(['NAME', 'KIND', 'SIZE', 'DEPTH', 'PROCESSES'], rows, ['SIZE', 'DEPTH']);
}

function describeUsers({ participants, orphan, problem }: SegmentInfo): string {
  if (problem !== null) return `unreadable: ${problem}`;
  if (orphan) return 'none: orphan, gc removes it';
  return participants.map(describeParticipant).join(', ');
}

function describeParticipant({ pid, command, alive }: ParticipantInfo): string {
  const name = command === '' ? String(pid) : `${pid} (${command})`;
  return alive ? name : `${name} dead`;
}
