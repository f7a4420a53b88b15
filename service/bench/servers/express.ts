import express from 'express';
import { answer, PATH, port } from './answer.ts';

const app = express();
app.get(PATH, (_request, response) => {
  response.json(answer);
});
app.listen(port, '127.0.0.1');
