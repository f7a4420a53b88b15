import { command } from '@gitops/report/command-line';
import { CommandError } from '@gitops/report/errors';
import { shortImage } from '../applications.ts';
import { openInstance } from '../instance.ts';
import { publishedImage } from '../repository.ts';
import { appOption, DEFAULT_APPLICATION } from './running.ts';

export default command({
  summary: 'print the image of APP on the local main',
  options: { app: appOption },
  run: async ({ options: { app = DEFAULT_APPLICATION }, json, print }) => {
    const image = await publishedImage(openInstance(), app);
    if (image === undefined)
      throw new CommandError(`main has no image file for ${app}`, '`make status` lists the Applications');
    print(json ? JSON.stringify(image) : shortImage(`${app}:${image.tag}@${image.digest}`));
  },
});
