package app.ingot

import android.content.Context
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.launch
import org.json.JSONArray
import org.json.JSONObject

/** The model fable, from the app's assets. One talk at a time; cancel from any thread. */
class Fable(context: Context) : AutoCloseable {
    data class Message(val role: String, val content: String)

    fun interface Listener {
        fun hear(text: ByteArray): Boolean
    }

    private var handle = context.assets.openFd("fable.weights").use { weights -> // openFd: the asset is stored, not compressed
        val plan = context.assets.open("fable.plan").use { it.readBytes() }
        open(plan, weights.parcelFileDescriptor.fd, weights.startOffset, weights.length)
    }

    /** Streams the answer. Collecting it no longer cancels it. */
    fun chat(messages: List<Message>, most: Int = 256): Flow<String> = callbackFlow {
        val talk = JSONObject().put("messages", JSONArray(messages.map { JSONObject().put("role", it.role).put("content", it.content) }))
        val job = launch(Dispatchers.Default) {
            chat(handle, talk.toString().toByteArray(), most) { text -> trySend(String(text)).isSuccess }
            close()
        }
        awaitClose {
            cancel(handle)
            job.cancel()
        }
    }.flowOn(Dispatchers.Default)

    override fun close() {
        close(handle)
        handle = 0
    }

    private companion object {
        init {
            System.loadLibrary("fable_jni")
        }

        @JvmStatic external fun open(plan: ByteArray, fd: Int, offset: Long, size: Long): Long
        @JvmStatic external fun close(handle: Long)
        @JvmStatic external fun cancel(handle: Long)
        @JvmStatic external fun chat(handle: Long, talk: ByteArray, most: Int, listener: Listener)
    }
}
