package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	podutil "k8s.io/kubernetes/pkg/util/pod"
)

func exampleTranslation(t *testing.T) translation {
	t.Helper()
	result, err := newTranslation("198.51.100.128/25", "127.77.3.128/25")
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestAddressesMoveToTheSamePlaceOfTheOtherNetwork(t *testing.T) {
	network := exampleTranslation(t)
	for loopback, api := range map[string]string{
		"127.77.3.128": "198.51.100.128",
		"127.77.3.129": "198.51.100.129",
		"127.77.3.255": "198.51.100.255",
	} {
		if got := network.toAPI(loopback); got != api {
			t.Errorf("%s is %s for the API server, not %s", loopback, got, api)
		}
		if got := network.toKubelet(api); got != loopback {
			t.Errorf("%s is %s for the kubelet, not %s", api, got, loopback)
		}
	}
	for _, other := range []string{"127.77.3.127", "127.0.0.1", "198.51.100.1", "::1", ""} {
		if got := network.toAPI(network.toKubelet(other)); got != other {
			t.Errorf("%q, which is no pod's, became %q", other, got)
		}
	}
}

func TestNetworksThatCannotBeTranslatedAreRefused(t *testing.T) {
	for _, c := range [][2]string{
		{"198.51.100.0/25", "127.77.3.0/24"},
		{"198.51.100.0/25", "10.0.0.0/25"},
		{"2001:db8::/64", "127.77.3.0/25"},
		{"198.51.100.0", "127.77.3.0/25"},
	} {
		if _, err := newTranslation(c[0], c[1]); err == nil {
			t.Errorf("%s and %s were accepted", c[0], c[1])
		}
	}
}

// apiServer answers every request for pods with one pod, and keeps the body of the last change.
type apiServer struct {
	client  kubernetes.Interface
	changed map[string]any
}

func startAPIServer(t *testing.T, status v1.PodStatus) *apiServer {
	t.Helper()
	meta := metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}
	pod := v1.Pod{TypeMeta: meta, ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "1"}, Status: status}
	result := &apiServer{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case request.Method != http.MethodGet:
			body, _ := io.ReadAll(request.Body)
			result.changed = nil
			if err := json.Unmarshal(body, &result.changed); err != nil {
				t.Errorf("%s with %s: %v", request.Method, body, err)
			}
			json.NewEncoder(w).Encode(pod)
		case request.URL.Query().Get("watch") != "":
			json.NewEncoder(w).Encode(map[string]any{"type": "MODIFIED", "object": pod})
		case request.URL.Path == "/api/v1/namespaces/shop/pods/web":
			json.NewEncoder(w).Encode(pod)
		default:
			json.NewEncoder(w).Encode(v1.PodList{
				TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: []v1.Pod{pod},
			})
		}
	}))
	t.Cleanup(server.Close)
	config := &rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}}
	client, err := newKubeletClient(config, exampleTranslation(t))
	if err != nil {
		t.Fatal(err)
	}
	result.client = client
	return result
}

func addressed(ip string) v1.PodStatus {
	return v1.PodStatus{HostIP: "127.0.0.1", PodIP: ip, PodIPs: []v1.PodIP{{IP: ip}}}
}

func expectAddress(t *testing.T, what string, pod *v1.Pod, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if pod.Status.PodIP != "127.77.3.130" || pod.Status.PodIPs[0].IP != "127.77.3.130" || pod.Status.HostIP != "127.0.0.1" {
		t.Errorf("%s gives the kubelet %+v", what, pod.Status)
	}
}

func TestTheKubeletReadsLoopbackAddressesWhateverWayItReads(t *testing.T) {
	ctx := context.Background()
	api := startAPIServer(t, addressed("198.51.100.130"))
	pods := api.client.CoreV1().Pods("shop")

	pod, err := pods.Get(ctx, "web", metav1.GetOptions{})
	expectAddress(t, "get", pod, err)
	pod, err = pods.UpdateStatus(ctx, &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}}, metav1.UpdateOptions{})
	expectAddress(t, "the answer to an update", pod, err)
	list, err := pods.List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expectAddress(t, "list", &list.Items[0], nil)

	// The way of the kubelet's source of pods.
	source := cache.NewListWatchFromClient(api.client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, fields.Everything())
	listed, err := source.ListWithContext(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expectAddress(t, "the list of the kubelet's source", &listed.(*v1.PodList).Items[0], nil)
	watch, err := source.WatchWithContext(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	event := <-watch.ResultChan()
	expectAddress(t, "its watch", event.Object.(*v1.Pod), nil)
}

func TestTheAPIServerIsToldTheAddressesThatItKnows(t *testing.T) {
	ctx := context.Background()
	api := startAPIServer(t, addressed("198.51.100.130"))
	// The status manager's own function; the old address is in the patch, as what to delete.
	_, _, _, err := podutil.PatchPodStatus(ctx, api.client, "shop", "web", "1", addressed("127.77.3.130"), addressed("127.77.3.131"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"metadata": map[string]any{"uid": "1"},
		"status": map[string]any{
			"podIP":                   "198.51.100.131",
			"podIPs":                  []any{map[string]any{"ip": "198.51.100.131"}, map[string]any{"ip": "198.51.100.130", "$patch": "delete"}},
			"$setElementOrder/podIPs": []any{map[string]any{"ip": "198.51.100.131"}},
		},
	}
	if got, expected := encode(t, api.changed), encode(t, want); got != expected {
		t.Errorf("the patch is\n%s, not\n%s", got, expected)
	}

	pod := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop"}, Status: addressed("127.77.3.131")}
	if _, err := api.client.CoreV1().Pods("shop").UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	status := api.changed["status"].(map[string]any)
	if status["podIP"] != "198.51.100.131" || status["hostIP"] != "127.0.0.1" {
		t.Errorf("the update has %v", status)
	}
	if pod.Status.PodIP != "127.77.3.131" {
		t.Error("the kubelet's own object was changed")
	}
}

func encode(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
