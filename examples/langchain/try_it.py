"""Goes once through everything, without LangChain: `python3 try_it.py`. Prints what it saw as JSON."""

import json

from openpact_langchain import OpenPact, OpenPactError

openpact = OpenPact()
tools = {tool.name: tool for tool in openpact.tools()}
entry = tools["record_knowledge"](topic="langchain", content="Tools come from tools.json.", confidence=1)
task = tools["create_task"](title="Try it")
claimed = tools["claim_task"](id=task["id"])
done = tools["complete_task"](id=task["id"], result={"ok": True})
try:
    tools["show_task"](id="00000000-1")
    refusal = None
except OpenPactError as error:
    refusal = error.code
ready = tools["list_tasks"](ready=True)["entries"]
documents = list(openpact.documents(topic="langchain"))
print(json.dumps({"entry": entry["id"], "claimed": claimed["status"], "done": done["status"], "refusal": refusal, "ready": len(ready), "documents": documents}))
