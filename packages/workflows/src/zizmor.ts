import { join } from 'node:path';
import { pythonEnvironment } from '@gitops/tools/python';

/** The program, installed once for all clones. Throws Error where it cannot be installed. */
export const zizmor = (): string => join(pythonEnvironment('zizmor'), 'zizmor');
