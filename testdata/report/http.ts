// Plain requests alone.
import { get } from "weir/http";

export const options = { vus: 4, iterations: 200 };

export default async function () {
  await get("http://127.0.0.1:8000/v1/models");
}
