// Search in a folder: browsers start no worker from a file, so a hidden frame does the worker's work there.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      this.frame.srcdoc = `<script>
        function postMessage(data) {
          parent.iframeWorker.dispatchEvent(new parent.MessageEvent("message", { data }))
        }
        function importScripts(...urls) {
          return urls.reduce((before, src) => before.then(() => new Promise((resolve, reject) => {
            document.head.append(Object.assign(document.createElement("script"),
              { src, async: false, onload: resolve, onerror: reject }))
          })), Promise.resolve())
        }
      </script><script src="${url}"></script>`
      window.iframeWorker = this
      this.ready = new Promise(resolve => { this.frame.onload = resolve })
      document.body.append(this.frame)
    }

    async postMessage(data) {
      await this.ready
      this.frame.contentWindow.dispatchEvent(new this.frame.contentWindow.MessageEvent("message", { data }))
    }
  }
}
