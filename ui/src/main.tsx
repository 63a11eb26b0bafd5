/** Entry of the product: finds out which host it runs in and shows the console. */
import { detectHost, setHost } from "@/host/current";
import { show } from "./app/show";

const root = document.getElementById("root");
if (root)
  detectHost().then((host) => {
    setHost(host);
    show(root);
  });
